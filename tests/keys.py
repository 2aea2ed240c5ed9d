KEYS = ("k" * 8 + "0123456789abcdefghijklmnopqrstuv",)
