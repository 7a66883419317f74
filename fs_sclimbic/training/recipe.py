"""How a model is trained: what a user may choose, as one value that a record can keep."""

import math
from dataclasses import dataclass, field, fields, replace

from ..errors import UsageError
from ..network.architecture import FOV_MULTIPLE
from ..network.spec import DEFAULT_FEATURES, DEFAULT_FOV_MM, PRECISIONS

WARM_UP_STEPS = 100
DECAYS = ("cosine", "inverse", "constant")
LOSS_NAMES = ("dice+cross-entropy", "dice", "cross-entropy", "l2")
# Loss and norms change at once when settling begins: at the full rate the first steps can wreck a network.
SETTLING_SHARE = 0.5
# At the end of a cosine the steps are this much smaller than at its top.
LAST_SHARE = 0.01
# The published network's: rate / (1 + 1e-6 step).
INVERSE_DECAY = 1e-6
# Two decimal shares that make 1 may miss it by the last bit.
SHARE_TOLERANCE = 1e-9
# What a teacher's boxes are augmented with at most: beyond it the published network loses its own labels (model card).
TEACHER_LIMITS = {
    "scaling": 0.1,
    "rotation": 8.0,
    "warp": 2.5,
    "bias": 0.3,
    "noise": 10.0,
    "gamma": 0.3,
    "blur": 0.4,
    "slices": 1.5,
    "cut": 0.2,
    "jitter": 8.0,
    "contrast": 0.2,
    "air": 0.0,
    "elsewhere": 0.0,
}
TEACHER_DARKEST = 0.4


def _setting(value: float, words: str) -> float:
    return field(default=value, metadata={"help": words})  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Augmentation:
    """How far a training pair may go from the head it is made of; 0 switches a change off."""

    scaling: float = _setting(0.15, "size of the head: each axis by 1 +- this")
    rotation: float = _setting(15.0, "rotation about each axis, degrees")
    shear: float = _setting(0.012, "shear along each axis")
    warp: float = _setting(3.0, "largest sd of the stationary velocity field, voxels")
    bias: float = _setting(0.5, "largest sd of the log of the bias field")
    noise: float = _setting(32.0, "largest sd of white noise, on the scale 0-255")
    gamma: float = _setting(0.5, "sd of the log of the exponent of the contrast")
    darkest: float = _setting(0.25, "smallest intensity of the brightest tissue, relative to the image's maximum")
    blur: float = _setting(0.6, "largest sd of a smoothing, mm")
    slices: float = _setting(2.5, "largest thickness of simulated slices, mm; one image in four gets any")
    cut: float = _setting(
        0.3, "how often the field of view is cut: half of this by either of two planes, and to the brain alone"
    )
    jitter: float = _setting(14.0, "furthest centre of a box from the structures' centre, voxels along each axis")
    contrast: float = _setting(
        0.0, "sd of the log of the slopes of a rising tone curve: tissues move against each other, beyond gamma"
    )
    air: float = _setting(0.0, "share of images with noise of any brightness where there is no signal, as in MP2RAGE")
    elsewhere: float = _setting(
        0.2,
        "share of boxes anywhere in the image instead of around the structures; with a teacher, a share of those that "
        "keep their stored targets",
    )
    flip: float = _setting(0.0, "share of images that are mirrored; left and right structures change places")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if not 0 <= value < math.inf:
                raise UsageError(f"--{setting.name} {value}: give 0 or a positive number")
        for name in ("scaling", "darkest", "cut", "air", "elsewhere", "flip"):
            if getattr(self, name) > 1:
                raise UsageError(f"--{name} {getattr(self, name)}: give a share from 0 to 1")

    def limited_for_teacher(self) -> "Augmentation":
        """The same, but no further than a teacher's labels are to be trusted (`TEACHER_LIMITS`)."""
        limited = {name: min(getattr(self, name), limit) for name, limit in TEACHER_LIMITS.items()}
        # 0 leaves the brightness as it is.
        darkest = max(self.darkest, TEACHER_DARKEST) if self.darkest else 0.0
        return replace(self, darkest=darkest, **limited)


@dataclass(frozen=True)
class Recipe:
    """All settings of a training."""

    box: tuple[int, int, int] = (80, 80, 80)
    """Shape of a training box, voxels of 1 mm."""
    batch: int = 1
    """Boxes a step."""
    epochs: int = 100
    """Epochs in all, those with the L2 loss and those of settling included."""
    steps: int = 250
    """Steps an epoch; after each epoch comes a validation."""
    learning_rate: float = 1e-3
    """Adam's largest rate."""
    decay: str = "cosine"
    """How the rate falls: ``cosine`` over all epochs, ``inverse`` (1 / (1 + 1e-6 step)) or ``constant``."""
    loss: str = "dice+cross-entropy"
    """One of `LOSS_NAMES`."""
    l2_epochs: int = 0
    """First epochs with the weighted L2 loss on logits instead."""
    settle_epochs: int = 0
    """Last epochs, in which the network settles: batch norms are fixed to their moving statistics, as they are in
    use, and foreground weighs no more than background, so that volumes come out without bias."""
    patience: int = 0
    """Stop after this many epochs without a better validation Dice (counted while settling, if there are epochs for
    that); 0: never."""
    seed: int = 123
    precision: str = PRECISIONS[0]
    """``float32`` or ``bfloat16``: what the network's layers compute in while training."""
    features: int = DEFAULT_FEATURES
    """Features of the first level."""
    fov: int = DEFAULT_FOV_MM
    """Edge of the box that heads are conformed to, voxels of 1 mm."""
    percentile: float | None = None
    """Top of the intensity range, as in segmentation."""
    checkpoint_steps: int = 100
    """A kill loses at most this many steps."""
    average_weights: int = 0
    """The model's weights are an exponential average over about this many last steps; 0: those of the last step."""
    teacher_share: float = 0.75
    """Share of the boxes that a teacher labels as the new network sees them, if there is a teacher."""
    harder_share: float = 0.0
    """Share of the boxes that a teacher labels in an easy view, while the new network sees a harder view of the same.
    The boxes of neither share keep their stored targets."""
    rim: int = 0
    """Voxels at each side of a box that do not count in the loss: there the network sees the padding of the box."""
    volume_weight: float = 0.0
    """Weight of the error of the structures' volumes in the loss, beside Dice and cross-entropy; in epochs with the
    L2 loss they do not count."""
    clip_gradient: float = 0.0
    """Longest gradient of all weights together; a longer one is shortened to it. 0: never."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.fov < 2 * FOV_MULTIPLE or self.fov % FOV_MULTIPLE:
            raise UsageError(f"--fov {self.fov}: give a multiple of {FOV_MULTIPLE}")
        if self.percentile is not None and not 0 < self.percentile <= 100:
            raise UsageError(f"--percentile {self.percentile:g}: give a number above 0, up to 100")
        for edge in self.box:
            if edge < 2 * FOV_MULTIPLE or edge % FOV_MULTIPLE or edge > self.fov:
                raise UsageError(
                    f"--box {' '.join(map(str, self.box))}: give multiples of {FOV_MULTIPLE} "
                    f"from {2 * FOV_MULTIPLE} to --fov {self.fov}"
                )
        for name in ("batch", "epochs", "steps", "features", "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name.replace('_', '-')} {getattr(self, name)}: give a positive number")
        for name in (
            "l2_epochs", "settle_epochs", "patience", "seed", "average_weights",
            "rim", "volume_weight", "clip_gradient",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"--{name.replace('_', '-')} {getattr(self, name)}: give 0 or a positive number")
        if 2 * self.rim >= min(self.box):
            raise UsageError(f"--rim {self.rim}: leaves nothing of --box {' '.join(map(str, self.box))}")
        if self.l2_epochs + self.settle_epochs > self.epochs:
            raise UsageError(
                f"--l2-epochs {self.l2_epochs} and --settle-epochs {self.settle_epochs} are more than "
                f"--epochs {self.epochs}"
            )
        if not 0 < self.learning_rate < 1:
            raise UsageError(f"--learning-rate {self.learning_rate}: give a number between 0 and 1")
        if not 0 < self.teacher_share <= 1:
            raise UsageError(f"--teacher-share {self.teacher_share}: give a share above 0, up to 1")
        if not 0 <= self.harder_share <= 1 or self.teacher_share + self.harder_share > 1 + SHARE_TOLERANCE:
            raise UsageError(
                f"--harder-share {self.harder_share}: give a share from 0; with --teacher-share "
                f"{self.teacher_share} at most 1 in all"
            )

        if self.loss == "l2" and self.volume_weight:
            raise UsageError(
                f"--volume-weight {self.volume_weight:g}: makes no sense with --loss l2, which pulls logits to fixed "
                "values; choose another loss"
            )

    @property
    def stored_share(self) -> float:
        """Share of the boxes that keep their stored targets beside a teacher."""
        rest = 1 - self.teacher_share - self.harder_share
        return rest if rest > SHARE_TOLERANCE else 0.0

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps

    def rate(self, step: int) -> float:
        """Learning rate of a step (the first is 0); rises from 0 at the start and when settling begins."""
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        settled = step - (self.total_steps - self.settle_epochs * self.steps)
        # A training that settles from its first step changes nothing in mid-course.
        if 0 < self.settle_epochs < self.epochs and settled >= 0:
            warm *= SETTLING_SHARE * min(1.0, (settled + 1) / WARM_UP_STEPS)
        if self.decay == "cosine":
            share = min(step / self.total_steps, 1.0)
            return self.learning_rate * warm * (LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * share)) / 2)
        return self.learning_rate * warm / (1 + (INVERSE_DECAY * step if self.decay == "inverse" else 0))

    def settles(self, epoch: int) -> bool:
        """Whether an epoch (the first is 0) belongs to the settling ones."""
        return epoch >= self.epochs - self.settle_epochs

    def phase(self, epoch: int) -> tuple[str, bool]:
        """Loss of an epoch (the first is 0), and whether the network is to settle."""
        return ("l2" if epoch < self.l2_epochs else self.loss), self.settles(epoch)
