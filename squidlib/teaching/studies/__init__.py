"""Studies: experiments whose results the lessons show. Each file says what is asked, and how it is run again.

    python -m squidlib.teaching.studies.ablation         # or .contamination; finished runs are not trained again

Results are JSON files beside the code: a run for each setting and seed, with the AUC of every anomaly type.
"""
