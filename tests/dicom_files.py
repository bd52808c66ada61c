"""DICOM files made for tests: a few pixels, and the tags that a test asks for."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid


def dicom(pixels: np.ndarray, **tags: Any) -> bytes:
    """The content of a DICOM file of pixels (H, W) or (H, W, 3), uint8, uint16 or int16.

    Args:
        tags: further ones, or others than those that fit the pixels; None leaves one out; ``syntax`` is the transfer
            syntax of uncompressed pixels.
    """
    syntax = tags.pop("syntax", ExplicitVRLittleEndian)
    data, bits = Dataset(), 8 * pixels.itemsize
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = generate_uid()
    data.PatientName, data.PatientID = "Nobody^Test", "test-1"
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    data.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored, data.HighBit = (
        bits,
        tags.get("BitsStored", bits),
        tags.get("BitsStored", bits) - 1,
    )
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.astype(pixels.dtype.newbyteorder("<" if syntax.is_little_endian else ">")).tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data["PixelData"].VR = "OW" if bits == 16 else "OB"
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def table(first: int, bits: int, entries: list[int]) -> list[Dataset]:
    """A lookup table (Modality or VOI LUT Sequence): what the stored value ``first`` and those after it become."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return [item]
