"""The batches of a run, decoded ahead of it by threads."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from torch import Tensor

from trainer.data.crops import Photos, training_batch
from trainer.recipe import RunRecipe

_log = logging.getLogger(__name__)


class BatchLoader:
    """Delivers the batch of a step, the very one of `training_batch`, whatever the number of workers.

    Within `with`, `data.workers` threads compute the batches of the next steps; they end with it. Threads will do:
    Pillow and OpenCV let go of the interpreter while they work. With no workers, and outside `with`, a batch is
    computed when it is asked for. Raises `InputError` at once when the pictures are not worth a start (see
    `Photos.check`).
    """

    def __init__(self, photos: Photos, recipe: RunRecipe) -> None:
        photos.check()
        self._photos, self._recipe = photos, recipe
        self._workers = recipe.data.workers
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: dict[int, Future[Tensor]] = {}
        self._delivered = 0
        self._told = 0

    def __enter__(self) -> "BatchLoader":
        if self._workers:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="photos")
        return self

    def __exit__(self, *_: object) -> None:
        pool, self._pool = self._pool, None
        self._ahead.clear()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._tell_skipped()

    def batch(self, step: int) -> Tensor:
        """The crops of a step: RGB in [0, 1], (batch, 3, crop, crop). An error of a worker is raised here."""
        batch = self._computed(step) if self._pool is None else self._expected(step, self._pool)
        before, self._delivered = self._delivered, self._delivered + len(batch)
        if before < len(self._photos.training) <= self._delivered:  # the first epoch is over
            self._tell_skipped()
        return batch

    def _expected(self, step: int, pool: ThreadPoolExecutor) -> Tensor:
        wanted = range(step, max(step + 1, min(step + 1 + 2 * self._workers, self._recipe.steps)))
        for other in self._ahead.keys() - set(wanted):  # the run has jumped to another step
            self._ahead.pop(other).cancel()
        for one in wanted:
            if one not in self._ahead:
                self._ahead[one] = pool.submit(self._computed, one)
        return self._ahead.pop(step).result()

    def _computed(self, step: int) -> Tensor:
        recipe, data = self._recipe, self._recipe.data
        return training_batch(self._photos, data.crop, recipe.batch, recipe.seed, step, data.smooth_share)

    def _tell_skipped(self) -> None:
        if self._photos.reader.pictures_skipped > self._told:
            self._told = self._photos.reader.pictures_skipped
            _log.warning("%s", self._photos.skipped())
