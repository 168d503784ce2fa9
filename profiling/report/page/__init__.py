"""The page: what it shows as records, these as HTML, and the files that a browser runs.

`profiling.web` serves the page, and a report is one file with the same parts. Everything here is pure, except that
`files` reads the files of the package. Nothing is imported before somebody looks at a page.
"""
