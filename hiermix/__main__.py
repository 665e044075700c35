"""Run ``python -m hiermix``."""

from hiermix.cli import program

if __name__ == "__main__":
    program()
