class FilterModule:
    def filters(self):
        return {"bool": lambda value: True}
