"""Facts about the chest X-ray data sets as data: counts, licence, where to get them. None is for clinical use.

Paper: section 4.1 and table 1 (Xiang et al., CVPR 2023). The files themselves are no part of this kit.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

USE: Final = "teaching and research; no medical device, not for clinical use"

#: Children of one to five years. Known shortcuts: mean sharpness alone separates the test set with an AUC of .86.
ZHANGLAB: Final = MappingProxyType(
    {
        "name": "ZhangLab",
        "image": "paediatric chest radiographs, frontal; JPEG of many sizes",
        "train": MappingProxyType({"normal": 1349, "pneumonia": 3883}),
        "test": MappingProxyType({"normal": 234, "pneumonia": 390}),
        "source": "Kermany et al., Cell 2018; Mendeley Data, DOI 10.17632/rscbjbr9sj",
        "get": 'download "ChestXRay2017" from Mendeley Data (DOI 10.17632/rscbjbr9sj) and unpack it',
        "licence": "CC BY 4.0",
        "use": USE,
    }
)

CHEXPERT: Final = MappingProxyType(
    {
        "name": "CheXpert",
        "image": "chest radiographs of adults; the paper takes the frontal PA views",
        "train": MappingProxyType({"normal": 5249, "abnormal": 23671}),  # frontal PA, before the test set is drawn
        "test": MappingProxyType({"normal": 250, "abnormal": 250}),
        "source": "Irvin et al., AAAI 2019; Stanford ML Group",
        "get": "sign Stanford's agreement on the CheXpert page and download CheXpert-v1.0-small",
        "licence": "Stanford University Dataset Research Use Agreement; nobody may pass it on, nor a cache made of it",
        "use": USE,
    }
)

#: Counts of version 9A, whose lists are public; 9B has 13,992 negatives and 16,490 positives to train on, 200 + 200 to
#: test on. The only source of normals is rsna; of the COVID-19 images, not one.
COVIDX: Final = MappingProxyType(
    {
        "name": "COVIDx",
        "image": "chest radiographs of eight sources; PNG and JPEG of many sizes",
        "train": MappingProxyType({"normal": 8085, "pneumonia": 5555, "COVID-19": 16490}),
        "test": MappingProxyType({"normal": 100, "pneumonia": 100, "COVID-19": 200}),
        "sources": MappingProxyType(
            {"normal": ("rsna",), "pneumonia": ("rsna", "cohen"),
             "COVID-19": ("stonybrook", "sirm", "ricord", "cohen", "bimcv", "actmed", "fig1")}
        ),
        "source": "Wang, Lin and Wong, Scientific Reports 2020; github.com/lindawangg/COVID-Net, docs/COVIDx.md",
        "get": "download covidx-cxr2 from Kaggle (andyczhao/covidx-cxr2), unpack it, and copy train_COVIDx9A.txt and "
        "test_COVIDx9A.txt from labels/ of github.com/lindawangg/COVID-Net beside train and test",
        "licence": "that of each source; see docs/COVIDx.md of COVID-Net before passing anything on",
        "use": USE,
    }
)  # fmt: skip

#: The same images as ZhangLab, scaled by others, with their own cut of train into train and val.
PNEUMONIAMNIST: Final = MappingProxyType(
    {
        "name": "PneumoniaMNIST",
        "image": "ZhangLab's images, centre-cropped, grey, squares of 28, 64, 128 or 224 pixels",
        "sizes": (28, 64, 128, 224),
        "train": MappingProxyType({"normal": 1214, "pneumonia": 3494}),
        "val": MappingProxyType({"normal": 135, "pneumonia": 389}),
        "test": MappingProxyType({"normal": 234, "pneumonia": 390}),
        "source": "Yang et al., Scientific Data 2023 (MedMNIST v2); DOI 10.5281/zenodo.10519652",
        "get": "squid fetch pneumoniamnist, which asks before it downloads",
        "licence": "CC BY 4.0",
        "use": USE,
    }
)

#: Where its authors keep a file of it (medmnist 3.0.2).
PNEUMONIAMNIST_ADDRESS: Final = "https://zenodo.org/records/10519652/files/{name}?download=1"

#: MD5 of PneumoniaMNIST's files by size, as its authors publish them (medmnist 3.0.2).
PNEUMONIAMNIST_MD5: Final = MappingProxyType(
    {
        28: "28209eda62fecd6e6a2d98b1501bb15f",
        64: "8f4eceb4ccffa70c672198ea285246c6",
        128: "05b46931834c231683c68f40c47b2971",
        224: "d6a3c71de1b945ea11211b03746c1fe1",
    }
)
