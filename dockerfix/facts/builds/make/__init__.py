"""Makefiles: their variables, their rules, and what a `make` command runs."""

from dockerfix.facts.builds.make.call import MakeCall, make_words
from dockerfix.facts.builds.make.load import Makefiles
from dockerfix.facts.builds.make.makefile import Makefile
from dockerfix.facts.builds.make.rule import Rule

__all__ = ["MakeCall", "Makefile", "Makefiles", "Rule", "make_words"]
