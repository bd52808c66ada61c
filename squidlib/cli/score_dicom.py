"""Anomaly maps as DICOM files that a viewer opens: Secondary Capture, with nothing of the patient in them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

DERIVATION = "Anomaly map, not for clinical use"
#: Tags that the standard wants in every file, and that may be empty.
_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientOrientation"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
    *("SeriesNumber", "InstanceNumber"),
)


def check_pydicom() -> None:
    """Find out before long work whether DICOM files can be written.

    Raises:
        UserError: where pydicom is not installed.
    """
    from digitanatomy.image_files import DICOM_INSTALL, has_dicom

    if not has_dicom():
        raise UserError(f"--dicom-maps needs pydicom: {DICOM_INSTALL}")


def secondary_capture(pixels: UInt8[np.ndarray, "H W 3"]) -> bytes:
    """The content of a DICOM file of a picture; study, series and instance are new ones of its own."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    from digitanatomy.image_folders import MAP_UID

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.ImplementationClassUID = UID(MAP_UID)
    data.file_meta.ImplementationVersionName = "SQUID SCORE"
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name in _EMPTY:
        setattr(data, name, None)
    data.SOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = (generate_uid(prefix=None) for _ in range(3))
    data.Modality, data.ConversionType, data.ImageType = "OT", "WSD", ["DERIVED", "SECONDARY"]
    data.SeriesDescription = data.DerivationDescription = DERIVATION
    data.Rows, data.Columns, data.SamplesPerPixel = *pixels.shape[:2], 3
    data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
