class TestModule:
    def tests(self):
        return {"finished": lambda result: True}
