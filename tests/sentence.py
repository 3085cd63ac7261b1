"""What an error says to a user."""


def sentence(error: BaseException) -> str:
    """Its text, which has to be one sentence."""
    said = str(error)
    assert '\n' not in said and said.endswith('.'), said
    return said
