"""`make container-test`: the Dockerfile, built and run under a hard limit of 512 MB.

Not collected by pytest: it is one story, told in order, it wants root, and it takes minutes.
"""
