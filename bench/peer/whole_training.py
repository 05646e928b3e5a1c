"""A training from its first step to its last, with random numbers of its own (../quality.mjs)."""

import copy
import math

import torch
import torch.nn.functional as F

import jobs
import tensors
import unet

MOST_COSINE_BETA = 0.999


def betas_of(s):
    count, first, last = s["timesteps"], s["betaStart"], s["betaEnd"]
    if s["kind"] == "linear":
        return torch.linspace(first, last, count, dtype=torch.float64)
    if s["kind"] == "scaled_linear":
        return torch.linspace(first**0.5, last**0.5, count, dtype=torch.float64) ** 2
    if s["kind"] == "sigmoid":
        rise = torch.sigmoid(torch.linspace(-6, 6, count, dtype=torch.float64))
        return rise * (last - first) + first
    edges = torch.arange(count + 1, dtype=torch.float64) / count
    bars = torch.cos((edges + 0.008) / 1.008 * math.pi / 2) ** 2
    return (1 - bars[1:] / bars[:-1]).clamp(max=MOST_COSINE_BETA)


class Noising:
    """By timestep: x_t = signal * x0 + spread * eps, what is predicted, and the weight of the loss."""

    def __init__(self, schedule, gamma):
        signal = (1 - betas_of(schedule)).cumprod(0).sqrt()
        if schedule["zeroTerminalSnr"]:  # Lin et al. (2023), Algorithm 1
            signal = (signal - signal[-1]) * (signal[0] / (signal[0] - signal[-1]))
        bars = signal**2
        spread = (1 - bars).sqrt()
        none, whole = torch.zeros_like(bars), torch.ones_like(bars)
        snr = bars / (1 - bars)
        # The target's share of x0 and of eps, and how large its error is for an error of 1 of x0, squared.
        of_x0, of_eps, scale = {
            "eps": (none, whole, snr),
            "x0": (whole, none, whole),
            "v": (-spread, signal, snr + 1),
        }[schedule["prediction"]]
        weight = whole if gamma is None else snr.clamp(max=gamma) / scale
        tables = signal, spread, of_x0, of_eps, weight
        self.signal, self.spread, self.of_x0, self.of_eps, self.weight = (x.float() for x in tables)

    def loss(self, net, images, noise, t, classes):
        def at(table):
            return table[t][:, None, None, None]

        xt = at(self.signal) * images + at(self.spread) * noise
        target = at(self.of_x0) * images + at(self.of_eps) * noise
        squared = F.mse_loss(net(xt, t.float(), classes), target, reduction="none")
        return (squared.mean((1, 2, 3)) * self.weight[t]).mean()


def lr_share(s):
    """The share of the learning rate after so many steps, for LambdaLR."""
    warm_up, steps = s["warmupSteps"], s["steps"]

    def share(done):
        if done < warm_up:
            return done / warm_up
        progress = min(1, (done - warm_up) / max(1, steps - warm_up))
        if s["lrSchedule"] == "constant":
            return 1
        line = s["lrSchedule"] == "linear"
        left = 1 - progress if line else 0.5 * (1 + math.cos(math.pi * progress))
        return s["lrFinal"] + (1 - s["lrFinal"]) * left

    return share


class Data:
    """Images in memory, and their random order, noise, timesteps and classes."""

    def __init__(self, request, layout):
        read = tensors.read(request["files"]["images"])
        self.images = torch.from_numpy(read["images"])
        self.classes = torch.from_numpy(read["classes"]).long() if "classes" in read else None
        self.layout = layout
        self.settings = request["training"]
        self.flips = request["horizontalFlip"]
        self.null_class = request["nullClass"]
        self.timesteps = request["schedule"]["timesteps"]
        self.random = torch.Generator().manual_seed(self.settings["seed"])
        self.order = torch.empty(0, dtype=torch.long)

    def chosen(self, count):
        while len(self.order) < count:
            order = torch.randperm(len(self.images), generator=self.random)
            self.order = torch.cat([self.order, order])
        taken, self.order = self.order[:count], self.order[count:]
        return taken

    def batch(self):
        size, rng = self.settings["batchSize"], self.random
        taken = self.chosen(size)
        images = self.images[taken]
        if self.flips:
            turned = torch.rand(size, generator=rng) < 0.5
            images[turned] = images[turned].flip(-1)
        noise = torch.randn(images.shape, generator=rng)
        if self.settings["noiseOffset"] > 0:
            shift = torch.randn((*images.shape[:2], 1, 1), generator=rng)
            noise += self.settings["noiseOffset"] * shift
        t = torch.randint(self.timesteps, (size,), generator=rng)
        classes = None
        if self.classes is not None:
            classes = self.classes[taken]
            if self.null_class is not None:
                withheld = torch.rand(size, generator=rng) < self.settings["classDropout"]
                classes[withheld] = self.null_class
        return images.contiguous(memory_format=self.layout), noise, t, classes


class WholeTraining:
    """AdamW on the weighted error, with warm-up, clipping and a moving average of the weights."""

    def __init__(self, request, settings, variant):
        layout, optimizer = variant.split(", ")
        self.settings, self.layout = settings, jobs.LAYOUTS[layout]
        net = unet.load(request["files"]["model"]).train()
        self.net = net.to(memory_format=self.layout)
        self.noising = Noising(request["schedule"], settings["minSnrGamma"])
        self.params = list(self.net.parameters())
        self.average = [param.detach().clone() for param in self.params]
        self.optimizer = torch.optim.AdamW(
            self.params,
            lr=settings["lr"],
            betas=(settings["adam"]["beta1"], settings["adam"]["beta2"]),
            eps=settings["adam"]["eps"],
            weight_decay=settings["weightDecay"],
            **{optimizer: True},
        )
        self.rates = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lr_share(settings))
        self.data = None
        self.steps = 0

    def learn(self, batches):
        """One step on some batches, whose gradients are averaged."""
        s = self.settings
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for batch in batches:
            loss = self.noising.loss(self.net, *batch) / len(batches)
            loss.backward()
            total += loss.item()
        if s["clipGradNorm"] is not None:
            torch.nn.utils.clip_grad_norm_(self.params, s["clipGradNorm"], foreach=True)
        self.optimizer.step()
        self.rates.step()
        self.steps += 1
        warm = 1 - (1 + (self.steps - 1) / s["emaInvGamma"]) ** -s["emaPower"]
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.params, 1 - min(s["emaDecay"], warm))
        return total

    def run(self, iterations):
        for _ in range(iterations):
            self.learn([self.data.batch() for _ in range(self.settings["accumulate"])])

    @torch.no_grad()
    def averaged(self):
        """The net with the moving average for weights."""
        net = copy.deepcopy(self.net).eval()
        for param, average in zip(net.parameters(), self.average):
            param.copy_(average)
        return net

    def save(self, path):
        weights = self.averaged().state_dict()
        tensors.write(path, {name: value.contiguous().numpy() for name, value in weights.items()})


def check_batches(request):
    """The batches, by steps, that both sides take before anything is trained."""
    read = tensors.read(request["files"]["check"])
    images, noise = (torch.from_numpy(read[name]) for name in ("images", "noise"))
    t = torch.from_numpy(read["timesteps"]).long()
    classes = torch.from_numpy(read["classes"]).long() if "classes" in read else None
    size, times = request["training"]["batchSize"], request["training"]["accumulate"]

    def batch(i):
        part = slice(i * size, (i + 1) * size)
        return images[part], noise[part], t[part], None if classes is None else classes[part]

    batches = [batch(i) for i in range(len(t) // size)]
    return [batches[i : i + times] for i in range(0, len(batches), times)]


@torch.inference_mode()
def predict(net, request, batch, output):
    _, noise, t, classes = batch
    steps = torch.full((len(t),), float(request["check"]["timestep"]))
    net(noise, steps, classes).contiguous().numpy().tofile(output)


def open_whole_training(request, compiles):
    """Shows what a few steps come to, and then trains anew in the fastest of PyTorch's ways."""
    check = request["check"]
    steps = check_batches(request)

    def make(variant):
        return WholeTraining(request, request["training"], variant)

    tried = [jobs.variant_name(layout, "fused") for layout in jobs.LAYOUTS]
    tried.append(jobs.variant_name("channels_last", "foreach"))

    def seconds(variant):
        job = make(variant)
        job.learn(steps[0])
        return min(jobs.timed(lambda: job.learn(batches)) for batches in steps[1:4])

    variant = min(tried, key=seconds)
    trial = WholeTraining(request, {**request["training"], **check["training"]}, variant)
    predict(trial.net, request, steps[0][0], check["initial"])
    losses = [trial.learn(batches) for batches in steps]
    predict(trial.averaged(), request, steps[0][0], check["average"])
    job = make(variant)
    job.data = Data(request, job.layout)
    return job, {"variant": variant, "losses": losses}
