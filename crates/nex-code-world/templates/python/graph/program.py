"""Directed graphs: a dictionary from a node to a dictionary of its neighbours and their distances."""

import heapq


def nodes(graph):
    """All nodes, sorted, those that are only pointed at too."""
    found = set(graph)
    for neighbours in graph.values():
        found.update(neighbours)
    return sorted(found)


def reachable(graph, start):
    """Nodes that can be reached from `start`, in the order of a breadth-first walk."""
    order = [start]
    seen = {start}
    for node in order:
        for neighbour in sorted(graph.get(node, {})):
            if neighbour not in seen:
                seen.add(neighbour)
                order.append(neighbour)
    return order


def shortest_path(graph, start, goal):
    """Length and nodes of the shortest way; None if there is none."""
    queue = [(0, [start])]
    done = set()
    while queue:
        distance, path = heapq.heappop(queue)
        node = path[-1]
        if node == goal:
            return (distance, path)
        if node in done:
            continue
        done.add(node)
        for neighbour, length in graph.get(node, {}).items():
            if length < 0:
                raise ValueError("negative distance")
            if neighbour not in done:
                heapq.heappush(queue, (distance + length, path + [neighbour]))
    return None


def topological_order(graph):
    """Nodes so that every edge leads forward; of several that could come next, the least."""
    incoming = {node: 0 for node in nodes(graph)}
    for neighbours in graph.values():
        for neighbour in neighbours:
            incoming[neighbour] += 1
    ready = [node for node, count in incoming.items() if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for neighbour in graph.get(node, {}):
            incoming[neighbour] -= 1
            if incoming[neighbour] == 0:
                heapq.heappush(ready, neighbour)
    if len(order) < len(incoming):
        raise ValueError("the graph has a cycle")
    return order


def reverse(graph):
    """The graph with all edges turned round."""
    turned = {node: {} for node in nodes(graph)}
    for node, neighbours in graph.items():
        for neighbour, length in neighbours.items():
            turned[neighbour][node] = length
    return turned


def degrees(graph):
    """For each node the number of edges in and out."""
    turned = reverse(graph)
    return {node: (len(turned[node]), len(graph.get(node, {}))) for node in nodes(graph)}
