"""A cache that forgets what was used longest ago, with a time to live for each entry."""


class LruCache:
    """At most `capacity` entries; time is a number that the caller gives."""

    def __init__(self, capacity, ttl=None):
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self.capacity = capacity
        self.ttl = ttl
        self.entries = {}
        self.hits = 0
        self.misses = 0

    def _is_fresh(self, stored_at, now):
        return self.ttl is None or now - stored_at < self.ttl

    def get(self, key, now=0, default=None):
        """The value of `key`, which then counts as just used; `default` if it is not there."""
        entry = self.entries.pop(key, None)
        if entry is None:
            self.misses += 1
            return default
        value, stored_at = entry
        if not self._is_fresh(stored_at, now):
            self.misses += 1
            return default
        self.entries[key] = entry
        self.hits += 1
        return value

    def put(self, key, value, now=0):
        """Stores `value`; returns the key that had to go, if one had to."""
        self.entries.pop(key, None)
        evicted = None
        if len(self.entries) >= self.capacity:
            evicted = next(iter(self.entries))
            del self.entries[evicted]
        self.entries[key] = (value, now)
        return evicted

    def purge(self, now):
        """Removes what is too old; returns how many entries went."""
        old = [key for key, (_, stored_at) in self.entries.items() if not self._is_fresh(stored_at, now)]
        for key in old:
            del self.entries[key]
        return len(old)

    def keys(self):
        """Keys from the one used longest ago to the one used last."""
        return list(self.entries)

    def hit_rate(self):
        """Share of look-ups that found something; 0 before the first."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0
