from .cli import one_sentence_errors

__all__ = ['one_sentence_errors']
