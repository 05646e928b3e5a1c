"""What the peer computes: training steps and predictions, each in the fastest of PyTorch's own ways."""

import time

import torch
import torch.nn.functional as F

import tensors
import unet

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
SAMPLING_TIMESTEP = 500


def variant_name(layout, *others):
    return ", ".join([layout, *(other for other in others if other)])


class Training:
    """AdamW on the mean squared error of the predicted noise, with clipping and a moving average."""

    def __init__(self, request, variant):
        words = variant.split(", ")
        files, self.settings = request["files"], request["settings"]
        layout = LAYOUTS[words[0]]
        net = unet.load(files["model"]).train().to(memory_format=layout)
        self.params = list(net.parameters())
        self.net = torch.compile(net) if "compiled" in words else net
        s = self.settings
        self.optimizer = torch.optim.AdamW(
            self.params,
            lr=s["lr"],
            betas=(s["beta1"], s["beta2"]),
            eps=s["eps"],
            weight_decay=s["weightDecay"],
            **({"fused": True} if "fused" in words else {"foreach": True}),
        )
        self.average = [param.detach().clone() for param in self.params]
        self.batches = self.read_batches(files["batches"], layout)
        self.steps = 0

    def read_batches(self, path, layout):
        data = {name: torch.from_numpy(values) for name, values in tensors.read(path).items()}
        self.signal, self.spread = data["sqrtAlphaBar"], data["sqrtOneMinusAlphaBar"]
        size = self.settings["batchSize"]
        images, noise = (
            [part.contiguous(memory_format=layout) for part in data[name].split(size)]
            for name in ("images", "noise")
        )
        return list(zip(images, noise, data["timesteps"].long().split(size)))

    def step(self):
        images, noise, t = self.batches[self.steps % len(self.batches)]
        self.steps += 1
        signal, spread = (table[t][:, None, None, None] for table in (self.signal, self.spread))
        loss = F.mse_loss(self.net(signal * images + spread * noise, t.float()), noise)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.settings["clipGradNorm"] is not None:
            torch.nn.utils.clip_grad_norm_(self.params, self.settings["clipGradNorm"], foreach=True)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.params, 1 - self.settings["emaDecay"])
        return loss.item()

    def run(self, iterations):
        for _ in range(iterations):
            self.step()


class Sampling:
    """A net's predictions, without gradients."""

    def __init__(self, request, variant):
        words = variant.split(", ")
        layout = LAYOUTS[words[0]]
        net = unet.load(request["files"]["model"]).eval().to(memory_format=layout)
        self.net = torch.compile(net) if "compiled" in words else net
        xt = tensors.read(request["files"]["samples"])["xt"][: request["batch"]]
        self.xt = torch.from_numpy(xt).contiguous(memory_format=layout)
        self.t = torch.full((request["batch"],), float(SAMPLING_TIMESTEP))

    @torch.inference_mode()
    def predict(self):
        return self.net(self.xt, self.t)

    def run(self, iterations):
        for _ in range(iterations):
            self.predict()


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(candidates, make, tries):
    """The fastest candidate, by the best of some runs after a first."""
    if len(candidates) == 1:
        return candidates[0]

    def seconds(variant):
        job = make(variant)
        job.run(1)
        return min(timed(lambda: job.run(1)) for _ in range(tries))

    return min(candidates, key=seconds)


def open_training(request, compiles):
    def make(variant):
        return Training(request, variant)

    variant = request["variant"]
    if variant is None:
        tried = [variant_name(layout, "fused") for layout in LAYOUTS]
        layout = fastest(tried, make, 2).split(", ")[0]
        tried = [variant_name(layout, "fused"), variant_name(layout, "foreach")]
        if compiles:
            tried.append(variant_name(layout, "fused", "compiled"))
        variant = fastest(tried, make, 2)
    job = make(variant)
    losses = [job.step() for _ in range(request["steps"])]
    return job, {"variant": variant, "losses": losses}


def open_sampling(request, compiles):
    def make(variant):
        return Sampling(request, variant)

    variant = request["variant"]
    if variant is None:
        tried = list(LAYOUTS)
        if compiles:
            tried += [variant_name(layout, "compiled") for layout in LAYOUTS]
        variant = fastest(tried, make, 3)
    job = make(variant)
    job.predict().contiguous().numpy().tofile(request["output"])
    return job, {"variant": variant, "losses": []}


OPENERS = {"training": open_training, "sampling": open_sampling}
