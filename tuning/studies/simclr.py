"""SimCLR over the temperature, for k-NN.

    python -m tuning.studies.simclr

Handwritten digits at 16x16; 6 Bayesian trials of 2 seeds, 12 runs of 150 steps.

Time: about 9 minutes of one core.
Expected: the best temperature lies well below 1, around the paper's 0.1 to 0.5; at 1 all negatives
weigh nearly alike, and accuracy falls.
Measured: 0.17 is best, 0.964; all others, from 0.05 to 0.88, have 0.944 to 0.954: of 153 images
that is two or three, no more than what seeds differ by.
"""

STUDY = {
    "method": "simclr",
    "data": "digits",
    "objective": "knn_accuracy",
    "max_trials": 6,
    "seeds": 2,
    "epochs": 3,
    "settings": {"steps": 150},
}

if __name__ == "__main__":
    from tuning.studies import main

    main("simclr", STUDY, __doc__)
