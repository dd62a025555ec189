"""Many worlds instead of one: what only shows over thousands of seeds, and what a design costs over a fleet.

Two ways through it. The **swarm** draws a situation from each seed (``drawing``), plays it, holds it against what the link
promises (``promises``) and cuts down what broke one (``shrinking``); ``faults`` draws situations with one known fault. The
**sweep** puts values into a scenario (``variations``), plays it in ``cells`` under drawn ``weather`` and adds up what came of
it (``measures``, ``answers``). Everything is a pure function of its seed, mapped by :mod:`halfopen.shards`.
"""
