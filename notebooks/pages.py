def write(master):
    pass
