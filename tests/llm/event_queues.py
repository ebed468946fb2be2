"""Independent simulator of six queues: events in a heap, tokens as counters; slow and plain on purpose."""

import heapq

QUEUES = 6


def event_driven(ops, waits, releases, durations):
    """Start times of instructions (None: never) by events; a token is a counter, not an arrival time."""
    todo = [[i for i, op in enumerate(ops) if op == queue] for queue in range(QUEUES)]
    at, busy = [0] * QUEUES, [False] * QUEUES
    tokens = {}
    start = [None] * len(ops)
    events = []
    now = 0
    while True:
        changed = True
        while changed:
            changed = False
            for queue in range(QUEUES):
                if busy[queue] or at[queue] == len(todo[queue]):
                    continue
                i = todo[queue][at[queue]]
                needed = [(other, queue) for other in range(QUEUES) if waits[i] >> other & 1]
                if all(tokens.get(pair, 0) for pair in needed):
                    for pair in needed:
                        tokens[pair] -= 1
                    start[i], busy[queue], changed = now, True, True
                    heapq.heappush(events, (now + durations[i], queue, i))
        if not events:
            return start
        now, queue, i = heapq.heappop(events)
        busy[queue] = False
        at[queue] += 1
        for other in range(QUEUES):
            if releases[i] >> other & 1:
                tokens[queue, other] = tokens.get((queue, other), 0) + 1
