"""Barlow Twins over the weight of its redundancy term, for k-NN.

    python -m tuning.studies.barlow_twins

Handwritten digits at 16x16; 6 Bayesian trials of 2 seeds, 12 runs of 150 steps.

Time: about 5 minutes (7 of one core).
Expected: a broad top around the paper's 0.005, as its figure 5 has it; accuracy falls off where the
weight is so large that the views need not agree.
"""

STUDY = {
    "method": "barlow_twins",
    "data": "digits",
    "objective": "knn_accuracy",
    "max_trials": 6,
    "seeds": 2,
    "epochs": 3,
    "settings": {"steps": 150},
}

if __name__ == "__main__":
    from tuning.studies import main

    main("barlow_twins", STUDY, __doc__)
