"""The U-Net of Ho et al. (2020) in plain PyTorch, module for module as diffusers' UNet2DModel names it."""

import json
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

import tensors

# What a config.json may say beside the sizes: the net below is that one.
TAKEN = {
    "time_embedding_type": "positional",
    "time_embedding_dim": None,
    "center_input_sample": False,
    "mid_block_type": "UNetMidBlock2D",
    "mid_block_scale_factor": 1,
    "downsample_padding": 1,
    "downsample_type": "conv",
    "upsample_type": "conv",
    "dropout": 0,
    "act_fn": "silu",
    "attn_norm_num_groups": None,
    "resnet_time_scale_shift": "default",
    "class_embed_type": None,
}
BLOCKS = {"DownBlock2D", "AttnDownBlock2D", "UpBlock2D", "AttnUpBlock2D"}


def check(config, path):
    for key, value in TAKEN.items():
        if config.get(key, value) != value:
            raise ValueError(f"{path}: {key} is {config[key]!r}, and the peer knows {value!r} alone")
    for block in config["down_block_types"] + config["up_block_types"]:
        if block not in BLOCKS:
            raise ValueError(f"{path}: the peer has no {block}")


class Residual(nn.Module):
    def __init__(self, inner, outer, embedding, groups, eps):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inner, eps)
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1)
        self.time_emb_proj = nn.Linear(embedding, outer)
        self.norm2 = nn.GroupNorm(groups, outer, eps)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inner, outer, 1) if inner != outer else None

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    def __init__(self, channels, head_dim, groups, eps):
        super().__init__()
        self.heads = 1 if head_dim is None else channels // head_dim
        self.group_norm = nn.GroupNorm(groups, channels, eps)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        n, c, height, width = x.shape
        rows = self.group_norm(x).flatten(2).transpose(1, 2)

        def split(y):
            return y.view(n, height * width, self.heads, c // self.heads).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(
            split(self.to_q(rows)), split(self.to_k(rows)), split(self.to_v(rows))
        )
        out = self.to_out[0](mixed.transpose(1, 2).reshape(n, height * width, c))
        return x + out.transpose(1, 2).reshape(n, c, height, width)


class Resample(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, padding=1)
        self.doubles = stride == 1

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0) if self.doubles else x)


class Level(nn.Module):
    """The residual blocks of one level, and attention after each where the level has any."""

    def __init__(self, inputs, outer, attentive, net):
        super().__init__()
        embedding, groups, eps = net["embedding"], net["groups"], net["eps"]
        self.resnets = nn.ModuleList(Residual(i, outer, embedding, groups, eps) for i in inputs)
        if attentive:
            attention = (Attention(outer, net["head_dim"], groups, eps) for _ in inputs)
            self.attentions = nn.ModuleList(attention)
        self.attentive = attentive

    def step(self, i, x, temb):
        x = self.resnets[i](x, temb)
        return self.attentions[i](x) if self.attentive else x


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels = config["block_out_channels"]
        layers = config.get("layers_per_block", 2)
        groups, eps = config["norm_num_groups"], config["norm_eps"]
        width = 4 * channels[0]
        net = {
            "embedding": width,
            "groups": groups,
            "eps": eps,
            "head_dim": config.get("attention_head_dim", 8),
        }
        self.flip = config.get("flip_sin_to_cos", True)
        self.shift = config.get("freq_shift", 0)
        self.width = channels[0]
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.time_embedding = nn.ModuleDict(
            {"linear_1": nn.Linear(channels[0], width), "linear_2": nn.Linear(width, width)}
        )
        classes = config.get("num_class_embeds")
        self.class_embedding = None if classes is None else nn.Embedding(classes, width)
        skips = [channels[0]]
        self.down_blocks = nn.ModuleList()
        for i, outer in enumerate(channels):
            inputs = [skips[-1]] + [outer] * (layers - 1)
            attentive = config["down_block_types"][i].startswith("Attn")
            level = Level(inputs, outer, attentive, net)
            skips += [outer] * layers
            if i < len(channels) - 1:
                level.downsamplers = nn.ModuleList([Resample(outer, 2)])
                skips.append(outer)
            self.down_blocks.append(level)
        last = channels[-1]
        self.mid_block = Level([last, last], last, False, net)
        if config.get("add_attention", True):
            self.mid_block.attentions = nn.ModuleList(
                [Attention(last, net["head_dim"], groups, eps)]
            )
        self.up_blocks = nn.ModuleList()
        before = last
        for i, outer in enumerate(reversed(channels)):
            inputs = []
            for _ in range(layers + 1):
                inputs.append(before + skips.pop())
                before = outer
            attentive = config["up_block_types"][i].startswith("Attn")
            level = Level(inputs, outer, attentive, net)
            if i < len(channels) - 1:
                level.upsamplers = nn.ModuleList([Resample(outer, 1)])
            self.up_blocks.append(level)
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps)
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def embed(self, timesteps, classes):
        half = self.width // 2
        exponent = torch.arange(half, dtype=torch.float32) * (-math.log(10000) / (half - self.shift))
        angles = timesteps[:, None] * exponent.exp()[None, :]
        waves = [angles.cos(), angles.sin()] if self.flip else [angles.sin(), angles.cos()]
        hidden = F.silu(self.time_embedding["linear_1"](torch.cat(waves, 1)))
        temb = self.time_embedding["linear_2"](hidden)
        return temb if self.class_embedding is None else temb + self.class_embedding(classes)

    def forward(self, x, timesteps, classes=None):
        temb = self.embed(timesteps, classes)
        x = self.conv_in(x)
        skips = [x]
        for level in self.down_blocks:
            for i in range(len(level.resnets)):
                x = level.step(i, x, temb)
                skips.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, temb)
        if hasattr(self.mid_block, "attentions"):
            x = self.mid_block.attentions[0](x)
        x = self.mid_block.resnets[1](x, temb)
        for level in self.up_blocks:
            for i in range(len(level.resnets)):
                x = level.step(i, torch.cat([x, skips.pop()], 1), temb)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


def load(folder):
    """The net of a diffusers folder. Its tensors must be exactly the net's."""
    path = os.path.join(folder, "unet", "config.json")
    with open(path) as file:
        config = json.load(file)
    check(config, path)
    net = UNet(config)
    weights = tensors.read(os.path.join(folder, "unet", "diffusion_pytorch_model.safetensors"))
    net.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return net
