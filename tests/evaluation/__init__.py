"""Evaluations: real jobs in a real worker, with a judge that is a provider on a real socket."""
