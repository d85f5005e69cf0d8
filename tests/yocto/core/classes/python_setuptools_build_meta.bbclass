# Stands in for the class of this name: as the other, whatever the build backend.
inherit python_hatchling
