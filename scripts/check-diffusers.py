"""Loads a model with the real diffusers, and compares what its net gives with what ours gives.

    pip install torch diffusers safetensors onnxruntime numpy
    python scripts/check-diffusers.py runs/digits-2026-11-23-1/checkpoints/step-001200

The folder is one that this program wrote: a checkpoint, or an export as diffusers. diffusers must load it
without a warning. Ours is the net as `diffusion-lab export --format onnx` writes it, run by Python's
onnxruntime on the same images and timesteps. Needs `npm run build` first. Exit code 1 where the two differ
by more than 1e-5, or diffusers has something to say.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from diffusers import DDPMPipeline
from diffusers.utils import logging as diffusers_logging

ROOT = Path(__file__).parent.parent
TOLERANCE = 1e-5


class Heard(logging.Handler):
    """Keeps every message that diffusers logs as a warning or worse."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def load(folder):
    heard = Heard()
    diffusers_logging.get_logger('diffusers').addHandler(heard)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        pipeline = DDPMPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    return pipeline, heard.messages + [str(warning.message) for warning in caught]


def export(folder, file):
    command = ['node', ROOT / 'dist' / 'cli.js', 'export', folder, '--format', 'onnx', '--out', file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def one_hot(labels, count):
    return np.eye(count, dtype=np.float32)[labels]


def compare(pipeline, file, batch):
    net = pipeline.unet.eval()
    size = net.config.sample_size
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    generator = torch.Generator().manual_seed(batch)
    sample = torch.randn(batch, net.config.in_channels, height, width, generator=generator)
    last = pipeline.scheduler.config.num_train_timesteps - 1
    timesteps = torch.linspace(1, last, batch).long()
    feeds = {'sample': sample.numpy(), 'timesteps': timesteps.float().numpy()}
    labels = None
    if net.config.num_class_embeds is not None:
        labels = torch.arange(batch) % net.config.num_class_embeds
        feeds['classes'] = one_hot(labels.numpy(), net.config.num_class_embeds)
    with torch.no_grad():
        theirs = net(sample, timesteps, class_labels=labels).sample.numpy()
    session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
    (ours,) = session.run(['prediction'], feeds)
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    folder = parser.parse_args().folder
    pipeline, complaints = load(folder)
    for complaint in complaints:
        print(f'diffusers says: {complaint}')
    with tempfile.TemporaryDirectory() as scratch:
        file = str(Path(scratch) / 'model.onnx')
        export(folder, file)
        errors = {batch: compare(pipeline, file, batch) for batch in (1, 4)}
    for batch, error in errors.items():
        print(f'batch {batch}: outputs differ by {error:.1e} (relative)')
    good = not complaints and max(errors.values()) < TOLERANCE
    print('good' if good else 'NOT GOOD')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
