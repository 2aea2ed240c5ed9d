"""For whoever runs the portal: is it set up well, and would it survive the loss of its machine?"""
