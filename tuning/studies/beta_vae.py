"""b-VAE over beta, for MIG.

    python -m tuning.studies.beta_vae

Sprites of one orientation at 32x32; 6 Bayesian trials of 2 seeds, 12 runs of 900 steps.

Time: about 6 minutes.
Expected: the best beta lies between 2 and 8, with a mean MIG above that of 0.5 and far above that
of 32, where no latent leaves the prior. Seeds of one beta differ by 0.1 and more, which is why the
mean of two is searched on. The knee of the front, against reconstruction, has a smaller beta.
"""

STUDY = {
    "method": "beta_vae",
    "data": "dsprites",
    "objective": "mig",
    "max_trials": 6,
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

    main("beta_vae", STUDY, __doc__)
