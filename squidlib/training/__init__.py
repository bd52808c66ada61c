"""Training: the visible loop, the settings it is given, the folder a run lives in, and the devices it runs on."""
