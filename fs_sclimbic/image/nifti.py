"""The NIfTI format: .nii, and .nii.gz where it is compressed."""

import io
from os import PathLike

import nibabel as nib
import numpy as np

from .compression import StoredImage, storable_values
from .grid import Volume


def encode_nifti(volume: Volume, path: str | PathLike[str]) -> StoredImage:
    """An image as the parts of a .nii file.

    Parameters
    ----------
    volume : Volume
        Integer labels, or float32; three axes, or four with frames last.
    path : path-like
        For messages.

    Returns
    -------
    StoredImage
        Without a footer.

    Raises
    ------
    ImageError
        If the format has no type for the values.
    """
    grid, data = volume.grid, storable_values(volume, path, [np.int16, np.int32])
    image = nib.Nifti1Image(data[:1, :1, :1], grid.vox2ras)
    qform_code, sform_code = grid.xform_codes
    # set_qform before set_sform: the sform holds the matrix exactly, the qform its rotation.
    image.set_qform(grid.vox2ras if grid.qform2ras is None else grid.qform2ras, qform_code)
    image.set_sform(grid.vox2ras, sform_code)
    image.header["pixdim"][1:4] = grid.voxel_size_mm
    image.header.set_xyzt_units("mm", "sec")
    # nibabel writes one voxel: what stands before the values is all of the header but the shape.
    start = image.to_bytes()
    header = nib.Nifti1Header.from_fileobj(io.BytesIO(start))
    header.set_data_shape(data.shape)
    before_values = header.binaryblock + start[len(header.binaryblock) : int(header["vox_offset"])]
    return StoredImage(header=before_values, data=data, dtype=data.dtype.newbyteorder("<"))
