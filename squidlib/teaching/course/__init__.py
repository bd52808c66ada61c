"""The course: where the lessons lie, a student's own copies of them, and how far somebody came.

``folder`` finds the lessons, in the repository or in the installed package. ``handout`` makes of a lesson what a
student gets; ``merge`` brings a newer lesson and a student's work together, ``copies`` does so with files. ``progress``
keeps which exercises passed.
"""
