# Stands in for the class of this name.
