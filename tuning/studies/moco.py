"""MoCo over the temperature, for k-NN; the decay of its key encoder is fixed.

    python -m tuning.studies.moco

Handwritten digits at 16x16; 6 Bayesian trials of 2 seeds, 12 runs of 150 steps.

Time: about 5 minutes (7 of one core).
Expected: as with SimCLR the best temperature lies well below 1, around the 0.07 to 0.2 of its
papers.
"""

STUDY = {
    "method": "moco",
    "data": "digits",
    "objective": "knn_accuracy",
    "max_trials": 6,
    "seeds": 2,
    "epochs": 3,
    "settings": {"steps": 150, "hyperparameters": {"decay": 0.99}},
}

if __name__ == "__main__":
    from tuning.studies import main

    main("moco", STUDY, __doc__)
