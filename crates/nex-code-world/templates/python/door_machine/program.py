"""State machines: a turnstile that counts, and a general table-driven machine with a history."""


class Machine:
    """Transitions `{(state, event): new_state}`; an unknown event is refused or ignored."""

    def __init__(self, initial, transitions, strict=True):
        self.state = initial
        self.transitions = dict(transitions)
        self.strict = strict
        self.history = [initial]

    def fire(self, event):
        """Takes one event; returns whether the state changed."""
        key = (self.state, event)
        if key not in self.transitions:
            if self.strict:
                raise KeyError(event)
            return False
        before = self.state
        self.state = self.transitions[key]
        self.history.append(self.state)
        return self.state != before

    def run(self, events):
        """Takes events in order; returns the last state."""
        for event in events:
            self.fire(event)
        return self.state

    def undo(self, steps=1):
        """Goes back so many steps, at most to the start."""
        steps = min(steps, len(self.history) - 1)
        if steps > 0:
            self.history = self.history[:-steps]
        self.state = self.history[-1]
        return self.state

    def allowed(self):
        """Events that can be taken now, sorted."""
        return sorted(event for state, event in self.transitions if state == self.state)


class Turnstile:
    """Opens for `price`, counts people, keeps the change of those who pay too much."""

    def __init__(self, price=3, capacity=10):
        self.price = price
        self.capacity = capacity
        self.inside = 0
        self.credit = 0
        self.earned = 0

    def pay(self, coins):
        """Takes coins; returns how much is still missing."""
        if coins <= 0:
            raise ValueError("no coins")
        self.credit += coins
        return max(0, self.price - self.credit)

    def enter(self):
        """Lets one person in if it is paid and there is room."""
        if self.credit < self.price or self.inside >= self.capacity:
            return False
        self.credit -= self.price
        self.earned += self.price
        self.inside += 1
        return True

    def leave(self):
        """Lets one person out, if anyone is inside."""
        if self.inside == 0:
            return False
        self.inside -= 1
        return True

    def refund(self):
        """Gives back what has not been used."""
        coins, self.credit = self.credit, 0
        return coins
