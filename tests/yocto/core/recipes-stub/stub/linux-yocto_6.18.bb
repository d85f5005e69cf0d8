SUMMARY = "Stands in for the recipe that this layer appends to"
