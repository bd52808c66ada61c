"""Real chest X-rays: three data sets, one shape. None comes with the kit, none is for clinical use.

>>> from squidlib.chest import ChestData, open_images, zhanglab
>>> data = ChestData(open_images(zhanglab(Path("chest_xray")), size=128, cache=Path("runs/cache")))  # doctest: +SKIP

First a layout is read (``zhanglab``, ``zhanglab_authors``, ``chexpert``, ``chexpert_valid``, ``chexpert_authors``:
names only), then the images are decoded once (``open_images``; ``pneumoniamnist`` needs neither), then ``ChestData``
gives what training and evaluation ask for.
"""

from squidlib.chest.arrays import Abnormals, ChestArrays, open_images
from squidlib.chest.augment import Augmentation, augment
from squidlib.chest.chexpert import chexpert, chexpert_authors, chexpert_valid
from squidlib.chest.data import ChestData
from squidlib.chest.files import ChestFile, ChestImages, split_calibration
from squidlib.chest.info import CHEXPERT, PNEUMONIAMNIST, ZHANGLAB
from squidlib.chest.pneumoniamnist import pneumoniamnist
from squidlib.chest.rates import LoadingRates, loading_rates
from squidlib.chest.zhanglab import zhanglab, zhanglab_authors

__all__ = [
    "Abnormals",
    "Augmentation",
    "CHEXPERT",
    "ChestArrays",
    "ChestData",
    "ChestFile",
    "ChestImages",
    "LoadingRates",
    "PNEUMONIAMNIST",
    "ZHANGLAB",
    "augment",
    "chexpert",
    "chexpert_authors",
    "chexpert_valid",
    "loading_rates",
    "open_images",
    "pneumoniamnist",
    "split_calibration",
    "zhanglab",
    "zhanglab_authors",
]
