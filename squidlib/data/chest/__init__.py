"""Real chest X-rays: four data sets, one shape. None comes with the kit, none is for clinical use.

>>> from squidlib.data.chest import ChestData, open_images, zhanglab
>>> data = ChestData(open_images(zhanglab(Path("chest_xray")), size=128, cache=Path("runs/cache")))  # doctest: +SKIP

First a layout is read (``zhanglab``, ``zhanglab_authors``, ``chexpert``, ``chexpert_valid``, ``chexpert_authors``,
``covidx``: names only), then the images are decoded once (``open_images``; ``pneumoniamnist`` needs neither), then
``ChestData`` gives what training and evaluation ask for.
"""

from squidlib.data.chest.arrays import Abnormals, ChestArrays, open_images
from squidlib.data.chest.augment import Augmentation, augment
from squidlib.data.chest.chexpert import chexpert, chexpert_authors, chexpert_valid
from squidlib.data.chest.covidx import covidx
from squidlib.data.chest.data import ChestData
from squidlib.data.chest.files import ChestFile, ChestImages, split_calibration
from squidlib.data.chest.info import CHEXPERT, COVIDX, PNEUMONIAMNIST, ZHANGLAB
from squidlib.data.chest.pneumoniamnist import pneumoniamnist
from squidlib.data.chest.rates import LoadingRates, loading_rates
from squidlib.data.chest.zhanglab import zhanglab, zhanglab_authors

__all__ = [
    "Abnormals",
    "Augmentation",
    "CHEXPERT",
    "COVIDX",
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
    "covidx",
    "loading_rates",
    "open_images",
    "pneumoniamnist",
    "split_calibration",
    "zhanglab",
    "zhanglab_authors",
]
