import numpy as np
import pandas as pd
import pytest

from daenr import control_figures, control_tables
from daenr.resampling import difference
from daenr.runs import CONTROL_METRICS, Cell, Run
from daenr.scores import Scores
from tests.unit.test_figures import assert_legible
