from mmengine.optim import PolyLR as MMEnginePolyLR

from mmseg_da.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class PolyLR(MMEnginePolyLR):
    r"""``lr0 * (1 - i / T) ** power`` at iteration i of T.

    MMEngine's scheduler decays over ``end - begin - 1`` steps, so with its
    default ``end`` (the runner's ``max_iters``) the last iteration has a rate
    of zero. Here it decays over ``end - begin`` steps.

    Args:
        end (int): T, the step at which the rate would reach ``eta_min``. The
            runner sets it to ``max_iters`` where a config does not.
        power (float): Defaults to 0.9.
        others: See :class:`mmengine.optim.PolyLR`.
    """

    def __init__(
        self, optimizer, *args, end: int, power: float = 0.9, **kwargs
    ) -> None:
        super().__init__(optimizer, *args, end=end + 1, power=power, **kwargs)
