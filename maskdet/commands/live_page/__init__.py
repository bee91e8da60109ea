"""Joins the live page of `maskdet.web.live` to a run of the monitor; users of the page."""
