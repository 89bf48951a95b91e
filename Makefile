# The tasks are in tasks.py, which needs no make. `make` alone lists them.

PYTHON ?= python3
TASKS  := help demo test coverage lint format words bench soak comfy pictures test-comfyui clean-demo

.DEFAULT_GOAL := help
.PHONY: $(TASKS)

$(TASKS):
	@$(PYTHON) tasks.py $@
