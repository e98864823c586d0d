"""An hour of mixed load: what grows?"""
