"""Makefiles: their variables, their rules, and what a `make` command runs."""

from dockerfix.facts.make.call import MakeCall, make_words
from dockerfix.facts.make.load import Makefiles
from dockerfix.facts.make.makefile import Makefile
from dockerfix.facts.make.rule import Rule

__all__ = ["MakeCall", "Makefile", "Makefiles", "Rule", "make_words"]
