"""What every kind of plan brings; sweeps and studies test the rest."""

import pytest

from zoo.plans import Plan, PlanFolder


@pytest.mark.parametrize(
    ("kind", "given", "lacking"),
    [(Plan, (), "differs_from"), (PlanFolder, ("folder",), "check_records, clear")],
)
def test_what_a_kind_of_plan_does_not_bring_keeps_it_from_being_made(kind, given, lacking):
    with pytest.raises(TypeError) as error:
        kind(*given)
    assert lacking in str(error.value).replace("'", "")
