"""python -m fs_sclimbic: the commands of fs_sclimbic; with flags only, mri_sclimbic_seg."""

import sys

from .cli.main import main

sys.exit(main())
