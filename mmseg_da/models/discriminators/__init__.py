from mmseg_da.models.discriminators.fc_discriminator import FCDiscriminator

__all__ = ['FCDiscriminator']
