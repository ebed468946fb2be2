"""The reference GPU path: kernels by bytes, multiplications and floors, with constants calibrated on published points.

`hwsim.gpu.board` holds data sheets, `hwsim.gpu.model` the time of each kernel, `hwsim.gpu.calibration` where its
constants come from and how far it is off on points that it has not seen.
`hwsim.gpu.kernels` has such kernels to run, `hwsim.gpu.measure.run` times them; both need the extra ``gpu``.
"""

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.model import KERNELS, Prediction, predict
from hwsim.gpu.shape import GemmShape

__all__ = ["KERNELS", "GemmShape", "GpuBoard", "Prediction", "predict"]
