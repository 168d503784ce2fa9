"""Build a graph, find its shortest paths, drop it: views and adjacency are cycles.

needs: networkx
Measured: 12 859, 12 859, 12 859, 12 859, 12 859 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import networkx as nx

VERDICT = "stable"
FILLS_BY_RUN = 0


def job():
    graph = nx.DiGraph()
    graph.add_weighted_edges_from((number % 90, number * 7 % 90, number % 5 + 1) for number in range(400))
    dict(nx.all_pairs_dijkstra_path_length(graph, cutoff=4))
    sorted(graph.degree, key=lambda pair: pair[1])
