"""What every adaptation term shares."""

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.errors import wrong_value


class AdaptationTerm:
    """One loss that adapts a segmentor, and whatever it needs of its own.

    :class:`~mmseg_da.adaptation.AdaptationHook` calls ``build`` once before
    training, ``losses`` in every iteration, inside the segmentor's forward
    pass, and ``after_iteration`` when the segmentor's optimizer has stepped.
    A term asks the :class:`~mmseg_da.adaptation.iteration.Iteration` for what
    it needs; networks, optimizers and other state of its own it builds,
    saves and restores itself. ``docs/write_a_term.md`` shows a whole one.

    Args:
        loss_weight (float): Factor of the term's losses. With 0 the losses
            are computed without gradients: the control of the term.
            Defaults to 1.
        key (str): The term's place in the config, for messages. The hook
            gives it.

    Raises:
        InputError: If ``loss_weight`` is negative or not finite.
    """

    # What the term keeps in checkpoints, as a noun; '' for a term without
    # state.
    state_name = ''
    # Whether the term reads ``Iteration.source_logits``.
    needs_source_logits = False
    # Index of the auxiliary head that the term adapts; None: the main head.
    auxiliary_head: int | None = None
    # Whether the term reads ``Iteration.pseudo_labels``.
    needs_teacher = False
    # Logged numbers, without 'train/', that ``diagnose`` judges.
    watched: tuple[str, ...] = ()

    def __init__(self, loss_weight: float = 1.0, key: str = 'terms') -> None:
        if not 0 <= loss_weight < float('inf'):
            wanted = 'a finite number of at least 0'
            raise wrong_value(f'{key}.loss_weight', loss_weight, wanted)
        self.loss_weight = loss_weight
        self.key = key

    def build(self, runner: Runner, segmentor: nn.Module) -> None:
        """Build networks and optimizers beside the bare segmentor.

        Called at the start of training; testing never calls this.
        """

    def change_source(self, iteration: Iteration) -> Tensor | None:
        """Change the source images before the segmentor sees them.

        The iteration's logits are not there yet.

        Returns:
            Tensor | None: Preprocessed images ``(N, 3, H, W)`` in place of
            the source's; None to leave them.
        """
        return None

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        """Compute the term's losses, ``loss_weight`` included.

        The graph of the source's own pass may be freed by now: a loss on
        source images has to pass them again.

        Returns:
            dict[str, Tensor]: Scalars under the names that are logged. Those
            with 'loss' in their names join the segmentor's loss.
        """
        raise NotImplementedError

    def after_iteration(self, iteration: Iteration, runner: Runner) -> None:
        """Update what the term owns, after the segmentor's update."""

    def pictures(self, iteration: Iteration) -> dict[str, Tensor]:
        """Show what the term sees, of the first image of the batch.

        :class:`~mmseg_da.engine.AdaptationVisualizationHook` asks for it now
        and then, after ``losses`` and before ``after_iteration``. What random
        numbers chose is chosen again with ``iteration.generator``.

        Returns:
            dict[str, Tensor]: By their titles, in ASCII: preprocessed images
            ``(3, H, W)``, class indices ``(H, W)`` of integers, or maps
            ``(H, W)`` of floats in [0, 1].
        """
        return {}

    def optim_wrappers(self) -> dict[str, OptimWrapper]:
        """The term's optimizer wrappers by the names of what they train."""
        return {}

    def diagnose(
        self, means: dict[str, float], period: str
    ) -> tuple[str, str] | None:
        """Tell whether the term has lost its effect.

        Args:
            means (dict[str, float]): Mean of each of ``watched`` over the
                last iterations of all ranks.
            period (str): Which iterations, such as 'the last 500 iterations
                to 1000'.

        Returns:
            tuple[str, str] | None: What was found and what to do, each
            without a full stop; None if all is well.
        """
        return None

    def state_dict(self) -> dict:
        """What a checkpoint keeps of the term."""
        return {}

    def load_state_dict(self, state: dict, iteration: int) -> None:
        """Restore what :meth:`state_dict` returned after this iteration."""
