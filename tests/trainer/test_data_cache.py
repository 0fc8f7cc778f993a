import threading

import numpy as np

from trainer.data.cache import PictureCache


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = PictureCache(300)
    arrays = {name: np.full(100, number, np.uint8) for number, name in enumerate("abcd")}
    for name in "abc":
        cache.put(name, arrays[name])
    assert cache.get("a") is arrays["a"]
    cache.put("d", arrays["d"])
    assert cache.get("b") is None and cache.bytes == 300
    assert all(cache.get(name) is arrays[name] for name in "acd")


def test_bytes_count_and_not_pictures() -> None:
    cache = PictureCache(300)
    cache.put("small", np.zeros(10, np.uint8))
    cache.put("large", np.zeros((100, 3), np.uint8))
    assert cache.get("small") is None and cache.bytes == 300
    cache.put("too large", np.zeros(301, np.uint8))
    assert cache.get("too large") is None and cache.get("large") is not None
    cache.put("large", np.zeros(20, np.uint8))  # two threads may decode the same picture
    assert cache.bytes == 20


def test_none_is_kept_without_room() -> None:
    cache = PictureCache(0)
    cache.put("a", np.zeros(1, np.uint8))
    assert cache.get("a") is None


def test_threads_may_share_it() -> None:
    cache, wrong = PictureCache(1000), []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(500):
            number = int(random.integers(40))
            found = cache.get(str(number))
            if found is not None and (found != number).any():
                wrong.append(number)
            cache.put(str(number), np.full(10 + number, number, np.uint8))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [found for number in range(40) if (found := cache.get(str(number))) is not None]
    assert not wrong and cache.bytes == sum(array.nbytes for array in kept) <= 1000
