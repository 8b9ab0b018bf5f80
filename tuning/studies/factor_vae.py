"""FactorVAE over gamma, for MIG.

    python -m tuning.studies.factor_vae

Sprites of one orientation at 32x32; 5 Bayesian trials of 2 seeds, 10 runs of 900 steps.

Time: about 7 minutes.
Expected: MIG changes less with gamma than it does with b-VAE's beta, and less than with the seed;
the total correlation of samples falls as gamma rises, and reconstruction hardly worsens.
"""

STUDY = {
    "method": "factor_vae",
    "data": "dsprites",
    "objective": "mig",
    "max_trials": 5,
    "seeds": 2,
    "epochs": 3,
    "settings": {
        "image_size": 32,
        "subset": {"orientation": 0},
        "steps": 900,
        "metrics": ["mig"],
    },
}

if __name__ == "__main__":
    from tuning.studies import main

    main("factor_vae", STUDY, __doc__)
