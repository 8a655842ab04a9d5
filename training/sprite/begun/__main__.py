"""`python -m training.sprite.begun`: see the package."""

import argparse

from training.sprite.begun import __doc__ as about
from training.sprite.begun import restore_begun, save_begun

parser = argparse.ArgumentParser(description=about)
parser.add_argument("--pack", action="store_true", help="from runs/ into the folder")
save_begun() if parser.parse_args().pack else restore_begun()
