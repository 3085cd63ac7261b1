from torch import nn

from mmseg_da.adaptation.hook import AdaptationHook
from mmseg_da.registry import HOOKS


@HOOKS.register_module()
class AdversarialHook(AdaptationHook):
    """:class:`AdaptationHook` with one term, :class:`AdversarialTerm`.

    The target passes in train mode, so it also moves the segmentor's
    BatchNorm statistics; that part alone is what ``loss_weight=0`` leaves.

    Args:
        target_dataloader (dict): As for :class:`AdaptationHook`.
        output_index (int, optional): As for :class:`AdaptationHook`.
        **term: Arguments of :class:`AdversarialTerm`.

    Example:
        >>> default_hooks = dict(adversarial=dict(
        ...     type='mmseg_da.AdversarialHook',
        ...     discriminator=dict(
        ...         type='mmseg_da.FCDiscriminator', in_channels=19),
        ...     optim_wrapper=dict(optimizer=dict(
        ...         type='Adam', lr=1e-4, betas=(0.9, 0.99))),
        ...     target_dataloader=dict(dataset=target_dataset)))
    """

    key = 'default_hooks.adversarial'

    def __init__(
        self, target_dataloader: dict, output_index: int | None = None, **term
    ) -> None:
        term = dict(term, type='mmseg_da.AdversarialTerm', key=self.key)
        super().__init__(
            target_dataloader,
            dict(adversarial=term),
            output_index=output_index,
        )

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator, from the start of training on."""
        return self.terms['adversarial'].discriminator

    @property
    def optim_wrapper(self):
        """The discriminator's optimizer wrapper."""
        return self.terms['adversarial'].optim_wrapper

    @property
    def param_schedulers(self) -> list:
        """The discriminator's schedulers."""
        return self.terms['adversarial'].param_schedulers

    def _state(self) -> dict:
        # The layout of checkpoints that were written before there were terms.
        return dict(adversarial=self.terms['adversarial'].state_dict())
