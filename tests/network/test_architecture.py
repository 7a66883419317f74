"""The published architecture: names, shapes, number of parameters."""

from fs_sclimbic.network.architecture import (
    DECODER_LEVELS,
    ENCODER_LEVELS,
    FIRST_LAYER,
    LIKELIHOOD_LAYER,
    decoder_layers,
    encoder_layers,
    network_weights,
)


def test_published_network_has_its_795590_parameters():
    shapes = [shape for layer in network_weights(14, 24, 1).values() for shape in layer.values()]
    total = 0
    for shape in shapes:
        size = 1
        for n in shape:
            size *= n
        total += size
    # Keras counts the 432 moving means and variances apart from the trainable ones.
    assert total == 795_590
    assert network_weights(14, 24, 1)["unet_conv_uparm_3_0"]["kernel"] == (3, 3, 3, 144, 48)


def test_published_names():
    """Those of the layers in the published weight file, from input to output."""
    names = []
    for layers in [*map(encoder_layers, ENCODER_LEVELS), *map(decoder_layers, DECODER_LEVELS)]:
        names += [*layers.convolutions, layers.norm]
    assert names == [
        "unet_conv_downarm_0_0",
        "unet_conv_downarm_0_1",
        "unet_bn_down_0",
        "unet_conv_downarm_1_0",
        "unet_conv_downarm_1_1",
        "unet_bn_down_1",
        "unet_conv_downarm_2_0",
        "unet_conv_downarm_2_1",
        "unet_bn_down_2",
        "unet_conv_uparm_3_0",
        "unet_conv_uparm_3_1",
        "unet_bn_up_0",
        "unet_conv_uparm_4_0",
        "unet_conv_uparm_4_1",
        "unet_bn_up_1",
    ]
    assert [*names, LIKELIHOOD_LAYER] == list(network_weights(14, 24, 1))
    assert names[0] == FIRST_LAYER
